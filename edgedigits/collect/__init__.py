"""Digits of one's own: drawn or seen by a board, labelled and corrected on a local page, kept in a CSV."""
