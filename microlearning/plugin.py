"""What clips give to the LMS: nothing to register until their own room is furnished."""
