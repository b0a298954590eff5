"""glueball beside its peers: `python -m bench` from the checkout's root; README.md says more."""
