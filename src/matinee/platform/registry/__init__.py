"""What there is and how it hangs together: initiatives, inputs, runs, models, releases, alerts, and one edge table."""
