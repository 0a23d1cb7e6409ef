"""Summarisers, stance classifiers and speaker finders, behind one small interface and a registry."""
