"""What every domain shares: findings, policy, periods, money, statistics. No files, no clock, no domain."""
