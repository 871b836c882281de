# The replaced module, with its VPC module written out. Its policies are files beside this one.

terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

provider "aws" {
  region                      = "us-east-1"
  skip_credentials_validation = true
  skip_requesting_account_id  = false
}

locals {
  cidr  = "10.100.0.0/16"
  zones = ["us-east-1a"]
  tags = {
    Terraform   = "true"
    Project     = "alignment-league"
    Environment = "production"
    Purpose     = "researcher-sandbox"
  }
}

resource "aws_vpc" "this" {
  cidr_block           = local.cidr
  enable_dns_hostnames = true
  enable_dns_support   = true
  tags                 = merge(local.tags, { Name = "sandbox-vpc" })
}

resource "aws_default_security_group" "this" {
  vpc_id = aws_vpc.this.id
  tags   = merge(local.tags, { Name = "sandbox-vpc-default" })
}

resource "aws_default_route_table" "default" {
  default_route_table_id = aws_vpc.this.default_route_table_id
  tags                   = merge(local.tags, { Name = "sandbox-vpc-default" })
}

resource "aws_default_network_acl" "this" {
  default_network_acl_id = aws_vpc.this.default_network_acl_id
  tags                   = merge(local.tags, { Name = "sandbox-vpc-default" })
  lifecycle {
    ignore_changes = [subnet_ids, ingress, egress]
  }
}

resource "aws_internet_gateway" "this" {
  vpc_id = aws_vpc.this.id
  tags   = merge(local.tags, { Name = "sandbox-vpc" })
}

resource "aws_route_table" "public" {
  vpc_id = aws_vpc.this.id
  tags   = merge(local.tags, { Name = "sandbox-vpc-public" })
}

resource "aws_route" "public_internet_gateway" {
  route_table_id         = aws_route_table.public.id
  destination_cidr_block = "0.0.0.0/0"
  gateway_id             = aws_internet_gateway.this.id
}

resource "aws_subnet" "public" {
  count             = length(local.zones)
  vpc_id            = aws_vpc.this.id
  availability_zone = local.zones[count.index]
  cidr_block        = cidrsubnet(local.cidr, 8, count.index)
  tags              = merge(local.tags, { Name = "sandbox-public", Type = "public" })
}

resource "aws_route_table_association" "public" {
  count          = length(local.zones)
  subnet_id      = aws_subnet.public[count.index].id
  route_table_id = aws_route_table.public.id
}

resource "aws_security_group" "sandbox" {
  name        = "sandbox-instances"
  description = "Security group for researcher sandbox EC2 instances"
  vpc_id      = aws_vpc.this.id
  tags        = merge(local.tags, { Name = "sandbox-instances" })
}

resource "aws_vpc_security_group_ingress_rule" "ssh" {
  security_group_id = aws_security_group.sandbox.id
  description       = "Allow SSH access from researchers"
  from_port         = 22
  to_port           = 22
  ip_protocol       = "tcp"
  cidr_ipv4         = "0.0.0.0/0"
  tags              = merge(local.tags, { Name = "sandbox-ssh-inbound" })
}

resource "aws_vpc_security_group_egress_rule" "all" {
  security_group_id = aws_security_group.sandbox.id
  description       = "Allow all outbound traffic"
  ip_protocol       = "-1"
  cidr_ipv4         = "0.0.0.0/0"
  tags              = merge(local.tags, { Name = "sandbox-all-outbound" })
}

resource "aws_iam_policy" "sandbox_manager" {
  name        = "sandbox-manager-policy"
  description = "Allows sandbox manager service to orchestrate EC2 instances for researchers"
  policy      = file("sandbox-manager-policy.json")
  tags        = local.tags
}

resource "aws_iam_user" "sandbox_manager" {
  name = "sandbox-manager"
  path = "/service/"
  tags = merge(local.tags, {
    Name    = "sandbox-manager"
    Purpose = "Service account for sandbox orchestration"
  })
}

resource "aws_iam_user_policy_attachment" "sandbox_manager" {
  user       = aws_iam_user.sandbox_manager.name
  policy_arn = aws_iam_policy.sandbox_manager.arn
}

resource "aws_iam_access_key" "sandbox_manager" {
  user = aws_iam_user.sandbox_manager.name
}

resource "aws_iam_role" "sandbox_instance" {
  name        = "sandbox-instance-role"
  description = "IAM role for researcher sandbox EC2 instances"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Principal = { Service = "ec2.amazonaws.com" }
      Action    = "sts:AssumeRole"
    }]
  })
  tags = merge(local.tags, { Name = "sandbox-instance-role" })
}

resource "aws_iam_policy" "sandbox_instance" {
  name        = "sandbox-instance-policy"
  description = "Minimal permissions for researcher sandbox EC2 instances"
  policy      = file("sandbox-instance-policy.json")
  tags        = local.tags
}

resource "aws_iam_role_policy_attachment" "sandbox_instance" {
  role       = aws_iam_role.sandbox_instance.name
  policy_arn = aws_iam_policy.sandbox_instance.arn
}

resource "aws_iam_instance_profile" "sandbox" {
  name = "sandbox-instance-profile"
  role = aws_iam_role.sandbox_instance.name
  tags = merge(local.tags, { Name = "sandbox-instance-profile" })
}

# what the user added to the module, which Terraform keeps
resource "aws_security_group" "bastion" {
  name        = "bastion"
  description = "Of the user"
  vpc_id      = aws_vpc.this.id
}

output "sandbox_config" {
  value = {
    vpc_id                = aws_vpc.this.id
    subnet_id             = aws_subnet.public[0].id
    security_group_id     = aws_security_group.sandbox.id
    instance_profile      = aws_iam_instance_profile.sandbox.name
    region                = "us-east-1"
    default_instance_type = "g5.12xlarge"
  }
}
