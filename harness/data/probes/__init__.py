"""Probes: changes of labelled articles whose right answer is known by construction; `suite` lists them."""
