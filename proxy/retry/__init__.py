"""Send again, but only where a repeat cannot charge twice."""
