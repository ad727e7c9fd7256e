"""Checks before a deployment: does the cluster have everything that an application requires?"""
