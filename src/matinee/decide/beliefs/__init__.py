"""What a policy believes about the worth of actions, learned from sums over decisions."""
