"""What there is and how it hangs together: initiatives, inputs, runs, models, releases, one edge table."""
