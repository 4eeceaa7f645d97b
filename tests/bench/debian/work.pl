# A little of what Perl programs do: patterns, hashes, sorting, strings, numbers.
use strict;

my %count;
my $text = '';
for my $i (1 .. 60000) {
    my $w = 'item' . ($i * 7919 % 997);
    $count{$w}++;
    $text .= "$w=" . ($i % 91) . ';';
}
my $sum = 0;
while ($text =~ /item(\d+)=(\d+);/g) {
    $sum += $1 * $2;
}
my @order = sort { $count{$b} <=> $count{$a} || $a cmp $b } keys %count;
(my $changed = $text) =~ s/item(\d)/I<$1>/g;
my $n = 0;
for (my $i = 0; $i < 900000; $i++) {
    $n = ($n * 31 + $i) % 65521;
}
my @fields = map { length } split /;/, $changed;
print "$sum $order[0] $n ", scalar(@fields), "\n";
