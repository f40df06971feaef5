"""What a plan would cost: the past measured, years drawn, every plan paid on the same draws."""
