"""Stemwright's model library: one latent diffusion model over aligned stems, as plain PyTorch."""

__version__ = "0.1.0"
