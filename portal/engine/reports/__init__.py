"""The history, counted by days: `tally` counts events, `counting` keeps the counts up to date, `durations` is how
spans are kept."""
