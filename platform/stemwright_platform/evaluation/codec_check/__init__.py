"""What codecs do to real stems: figures, pictures and sounds of the way there and back."""
