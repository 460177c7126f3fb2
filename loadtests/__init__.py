"""Load, measured from outside over HTTP and gRPC."""
