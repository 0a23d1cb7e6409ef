"""Statistics for comparisons: clustered bootstrap, paired tests, correction for many tests, power, ranks."""
