"""Origins on loopback for tests of the way out: what the box's clients talk to.

Read in this order: origin.py (listening, TLS, which protocol), site.py (what is served, and the echo that
reports what arrived), http1.py and http2.py (the wire), services.py (git, ssh, gRPC, PostgreSQL, packages),
direct.py (the same clients without a box, for comparison).
"""
