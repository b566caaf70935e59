"""What a client sees: envelope, credentials, cursors, errors, events. Knows no DynamoDB."""
