"""What every part of a process needs: whole writes, where configs lie, secrets, progress, the machine."""
