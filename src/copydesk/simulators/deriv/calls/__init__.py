"""What can be asked, one function a request."""
