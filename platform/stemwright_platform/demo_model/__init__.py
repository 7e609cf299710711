"""The model that ships, made from nothing."""
