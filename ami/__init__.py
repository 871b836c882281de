"""The machine image that `sandbox image build` builds, verifies and creates."""
