"""Raw article in, clean article or a reason out. Pure."""
