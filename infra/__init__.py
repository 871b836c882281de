"""The sandbox environment: settings, pure logic, and the components that make it."""
