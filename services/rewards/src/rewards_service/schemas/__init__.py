"""What comes in and what goes out, by the part of the contract."""
