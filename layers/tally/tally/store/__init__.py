"""The single table: keys, items, transactions. Knows DynamoDB and no HTTP."""
