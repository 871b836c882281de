# What all stand-ins share: each call is written down, one line.
echo "${0##*/} $*" >>/recorder/calls
