"""What stands for the world in tests, benches and pictures: Stripe, SMTP, S3, PostgreSQL.

No tests, and not part of the wheel.
"""
