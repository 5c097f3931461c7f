"""A machine whose power is cut: what a program had not synced may be lost, whole or in part."""
