"""The machine image: built, verified, sealed and taken by `sandbox image build`."""
