"""Appraisal policies: strict YAML to frozen values, comparison, lint and schema."""
