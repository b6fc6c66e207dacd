"""Policies around a policy: a floor, a holdout, rules, stickiness, a budget. They compose in any order."""
