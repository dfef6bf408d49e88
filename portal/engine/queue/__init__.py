"""What is due: timers, jobs, schedules, reminders. The row is the queue, and any number of workers share it."""
