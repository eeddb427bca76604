"""What the program's own text says about the variables and fields that hold things."""
