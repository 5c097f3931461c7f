"""What is shown: video, pages, files, and the player."""
