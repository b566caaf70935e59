"""The audit trail: who did what to credentials, tenants and payouts, when and from where."""
