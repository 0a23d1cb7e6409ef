"""What helps a person to build a labelled set: statistics, agreement, drafts, what to label next."""
