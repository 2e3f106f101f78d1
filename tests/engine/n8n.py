"""What tests tell n8n."""

OWNER = {
    "email": "owner@example.com",
    "firstName": "O",
    "lastName": "W",
    "password": "Passw0rd-of-the-owner",
}
"""The account that is set up first."""
