"""Load tests: Locust users, one load shape, objectives. They speak HTTP and import nothing of ours."""
