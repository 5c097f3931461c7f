"""What the demo institute is filled with: people, plan, statutory trainings and courses."""
