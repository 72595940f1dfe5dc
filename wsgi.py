"""The door: a WSGI application on the database that the settings name."""

from api.app import create_app

app = create_app()
