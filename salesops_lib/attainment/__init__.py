"""Who is on plan: credited bookings over quota, its distribution, pace and cascade."""
