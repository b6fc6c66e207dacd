"""Watch: monitors look at the log of a service and at what it decided, and open and close alerts."""
