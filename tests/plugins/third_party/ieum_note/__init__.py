"""A kind of activity for Ieum: the learner writes one sentence."""
