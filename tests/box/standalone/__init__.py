"""Parts of network_refusals_suite.py: world.py first, then one file for each property of design 6."""
