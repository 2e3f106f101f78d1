"""Pictures of the dashboard with a real stack."""
