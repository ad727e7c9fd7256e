"""The Pulumi components: with plugin/ the only folder that imports pulumi."""
