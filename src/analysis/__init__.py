"""What readers get from the warehouse: published marts and the pipeline's status."""
