"""What every app stands on: errors, who acts, classified fields, versions, rows that stay. No app is known here."""
