"""What a completion earns: certificates, credits, their numbers and their paper."""
