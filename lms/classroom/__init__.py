"""Rooms, meetings, seats, and attendance by evidence."""
