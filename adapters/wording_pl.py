"""The Polish texts; see ``adapters.wording``. Support reads English."""

from orders.messages import Role

_TO_BUYER = {
    "order_placed": "Zamówienie {order} zostało złożone. Prosimy o zapłatę {amount_due} do "
    "{pay_by}. Bez zapłaty zamówienie samo się zamknie i nie będzie trzeba nic płacić.",
    "payment_reminder": "Zamówienie {order} wciąż czeka na zapłatę. Można zapłacić do {due_by}; "
    "potem zamówienie samo się zamknie i nie będzie trzeba nic płacić.",
    "payment_received": "Twoja płatność za zamówienie {order} dotarła i jest sprawdzana do "
    "{review_ends_at}. Potem będzie też można poprosić o anulowanie zamówienia.",
    "payment_declined": "Twoja płatność za zamówienie {order} została odrzucona.{why} Można "
    "zapłacić ponownie do {pay_by}.",
    "payment_declined_late": "Twoja płatność za zamówienie {order} została odrzucona.{why} Czas na zapłatę "
    "już minął.",
    "payment_accepted": "Twoja płatność za zamówienie {order} została przyjęta i sprzedawca może "
    "je wysłać. Do chwili wysyłki możesz poprosić o anulowanie.",
    "cancellation_requested": "Sprzedawca wie już, że chcesz anulować zamówienie {order}, i ma "
    "czas na odpowiedź do {due_by}. Jeśli nie odpowie, zamówienie zostanie zamknięte, a "
    "pieniądze do Ciebie wrócą.",
    "cancellation_withdrawn": "Twoja prośba o anulowanie zamówienia {order} została wycofana. "
    "Zamówienie znów czeka na wysyłkę.",
    "cancellation_refused": "Sprzedawca odmówił anulowania zamówienia {order}.",
    "shipment_claimed": "Sprzedawca twierdzi, że zamówienie {order} jest już wysłane. Ma czas do "
    "{due_by}, aby to udowodnić.",
    "cancellation_ended": "Twoja prośba o anulowanie zamówienia {order} zakończyła się: {reason}. "
    "Otwarty spór zostanie rozstrzygnięty.",
    "dispute_offered": "Możesz otworzyć spór w sprawie zamówienia {order}: {reason}.",
    "dispute_opened": "Spór w sprawie zamówienia {order} jest otwarty: {reason}. Zajmie się nim "
    "nasze wsparcie.",
    "dispute_resolved": "Spór w sprawie zamówienia {order} jest zakończony: {outcome}.{why}",
    "settlement_offered": "Sprzedawca proponuje Ci zwrot {money}, aby zakończyć spór w sprawie "
    "zamówienia {order}. Jeśli przyjmiesz propozycję, spór się zakończy; jeśli nie, rozstrzygnie "
    "go nasze wsparcie.",
    "seller_message": "Sprzedawca pisze w sprawie zamówienia {order}: „{text}”{offer}",
    "order_shipped": "Zamówienie {order} jest wysłane.",
    "order_closed": "Zamówienie {order} jest zamknięte: {reason}. Nie ma żadnej opłaty karnej.",
    "refund_started": "Zwrot {money} za zamówienie {order} jest w drodze, tą samą metodą "
    "płatności ({method}). Pieniądze będą u Ciebie do {due_by}.",
    "refund_succeeded": "Zwrot {money} za zamówienie {order} został wypłacony.",
    "refund_failed": "Zwrot za zamówienie {order} jeszcze się nie powiódł.{why} Zajmuje się tym "
    "nasze wsparcie; Twoje pieniądze nie przepadną.",
    "refund_overdue": "Zwrot za zamówienie {order} powinien już być u Ciebie. Przepraszamy za "
    "opóźnienie; zajmuje się tym nasze wsparcie.",
    "refund_stopped": "Zwrot {money} za zamówienie {order} został wstrzymany, bo te same pieniądze odzyskuje "
    "dla Ciebie Twój bank. Jeśli bank postanowi inaczej, zwrot ruszy ponownie.",
    "stray_refund_started": "Dotarła do nas Twoja płatność na kwotę {money}, której nie mogło "
    "przyjąć żadne zamówienie. Zwrócimy ją w całości do {due_by}. Numer sprawy: {order}.",
    "stray_refund_succeeded": "Twoja płatność na kwotę {money}, której nie mogło przyjąć żadne "
    "zamówienie, została zwrócona. Numer sprawy: {order}.",
    "stray_refund_failed": "Zwrot Twojej płatności na kwotę {money}, której nie mogło przyjąć żadne "
    "zamówienie, jeszcze się nie powiódł.{why} Zajmuje się tym nasze wsparcie; Twoje pieniądze nie "
    "przepadną. Numer sprawy: {order}.",
    "stray_refund_overdue": "Twoja płatność na kwotę {money}, której nie mogło przyjąć żadne zamówienie, "
    "powinna już być u Ciebie z powrotem. Przepraszamy za opóźnienie; zajmuje się tym nasze wsparcie. "
    "Numer sprawy: {order}.",
    "stray_refund_stopped": "Zwrot {money} z Twojej płatności, której nie mogło przyjąć żadne zamówienie, "
    "został wstrzymany, bo te same pieniądze odzyskuje dla Ciebie Twój bank. Jeśli bank postanowi inaczej, "
    "zwrot ruszy ponownie. Numer sprawy: {order}.",
    "stray_refund_restarted": "Twój bank podjął decyzję w sprawie Twojej płatności, której nie mogło przyjąć "
    "żadne zamówienie. To, co z niej u nas zostało, czyli {money}, zwrócimy do {due_by}. "
    "Numer sprawy: {order}.",
}

_TO_SELLER = {
    "order_placed": "Masz nowe zamówienie {order} na kwotę {amount_due}. Kupujący ma czas na "
    "zapłatę do {pay_by}. Prosimy nie wysyłać go przed zapłatą.",
    "payment_received": "Płatność za zamówienie {order} dotarła i jest sprawdzana do "
    "{review_ends_at}. Prosimy nie wysyłać go wcześniej.",
    "payment_declined": "Płatność za zamówienie {order} została odrzucona. Kupujący może "
    "zapłacić ponownie do {pay_by}. Prosimy nie wysyłać zamówienia przed zapłatą.",
    "payment_declined_late": "Płatność za zamówienie {order} została odrzucona, a czas na zapłatę już "
    "minął. Prosimy nie wysyłać zamówienia.",
    "payment_accepted": "Płatność za zamówienie {order} została przyjęta. Prosimy wysłać je "
    "teraz i podać numer przesyłki.",
    "cancellation_requested": "Kupujący chce anulować zamówienie {order} (powód: {reason}). "
    "Prosimy o odpowiedź do {due_by}: zgodę, odmowę albo informację, że towar jest już wysłany. "
    "Bez odpowiedzi zamówienie zostanie zamknięte, a pieniądze wrócą do kupującego.",
    "cancellation_withdrawn": "Kupujący nie chce już anulować zamówienia {order}. Zamówienie "
    "znów czeka na wysyłkę.",
    "seller_reminder": "Prośba o anulowanie zamówienia {order} wciąż na Ciebie czeka. Prosimy o "
    "odpowiedź albo o dowód wysyłki do {due_by}.",
    "proof_requested": "Według Twojej odpowiedzi zamówienie {order} jest już wysłane. Prosimy o "
    "dowód do {due_by}: numer przesyłki, zdjęcie albo skan potwierdzenia nadania.",
    "tracking_invalid": "Nie udało się potwierdzić numeru przesyłki {number} dla zamówienia "
    "{order}.{why} Prosimy sprawdzić numer i podać właściwy albo przesłać zdjęcie lub skan "
    "potwierdzenia nadania.",
    "proof_rejected": "Nasze wsparcie nie przyjęło dowodu wysyłki zamówienia {order}.{why}",
    "shipment_extended": "Kupujący daje Ci {days} więcej na wysłanie zamówienia {order}: do "
    "{ship_by}.",
    "buyer_message": "Kupujący pisze w sprawie zamówienia {order}: „{text}”",
    "offer_accepted": "Kupujący przyjął Twoją propozycję dla zamówienia {order}. Kwota do "
    "zapłaty: {amount_due}.",
    "cancellation_ended": "Prośba o anulowanie zamówienia {order} zakończyła się bez anulowania: {reason}.",
    "dispute_opened": "Spór w sprawie zamówienia {order} jest otwarty: {reason}. Zajmie się nim "
    "nasze wsparcie; nadal możesz przesłać dowód wysyłki albo zaproponować ugodę.",
    "dispute_resolved": "Spór w sprawie zamówienia {order} jest zakończony: {outcome}.{why}",
    "order_shipped": "Zamówienie {order} uznajemy za wysłane. Dziękujemy.",
    "order_closed": "Zamówienie {order} jest zamknięte: {reason}.",
    "refund_succeeded": "Kupujący otrzymał zwrot {money} za zamówienie {order}.",
    "chargeback_opened": "Bank kupującego cofnął płatność za zamówienie {order} (obciążenie "
    "zwrotne, chargeback). Damy znać, jak się to zakończy.",
    "chargeback_won": "Obciążenie zwrotne (chargeback) w sprawie zamówienia {order} zakończyło "
    "się na Twoją korzyść.",
    "chargeback_lost": "Obciążenie zwrotne (chargeback) w sprawie zamówienia {order} zakończyło "
    "się na korzyść kupującego: pieniądze zostają u kupującego.",
}

TEXTS = {
    **{(what, Role.BUYER): text for what, text in _TO_BUYER.items()},
    **{(what, Role.SELLER): text for what, text in _TO_SELLER.items()},
}

WHY = " Podany powód: „{reason}”."
OFFER = " Propozycję można przyjąć na stronie zamówienia."
UNKNOWN = "W sprawie zamówienia {order} jest nowa wiadomość. Prosimy zajrzeć na stronę zamówienia."

WORDS = {
    # why an order closed
    "payment_expired": "nie zostało opłacone w terminie",
    "buyer_canceled_unpaid": "kupujący anulował je przed zapłatą",
    "seller_accepted": "sprzedawca zgodził się je anulować",
    "seller_no_response": "sprzedawca nie odpowiedział w terminie na prośbę o anulowanie",
    "shipment_expired": "nie zostało wysłane w terminie",
    "dispute_full_refund": "spór zakończył się zwrotem całej kwoty",
    "dispute_partial_refund": "spór zakończył się zwrotem części kwoty",
    "dispute_no_refund": "spór zakończył się bez zwrotu pieniędzy",
    "dispute_settled": "sprzedawca i kupujący zawarli ugodę",
    "charged_back": "bank kupującego cofnął płatność",
    # why the buyer wants to cancel
    "changed_mind": "zmiana zdania",
    "order_mistake": "zamówienie przez pomyłkę",
    "duplicate_order": "zamówienie złożone podwójnie",
    "found_cheaper_price": "niższa cena gdzie indziej",
    "poor_quality_expected": "obawa o jakość",
    "distrust_seller": "brak zaufania do sprzedawcy",
    "wont_arrive_in_time": "towar nie dotrze na czas",
    "address_issues": "problem z adresem",
    "seller_unreachable": "brak kontaktu ze sprzedawcą",
    "out_of_stock": "brak towaru",
    "other": "inny powód",
    # what a dispute is about
    "seller_complaint": "kupujący skarży się na sprzedawcę",
    "seller_refused": "sprzedawca odmówił anulowania",
    "no_proof": "sprzedawca nie udowodnił wysyłki w terminie",
    "invalid_tracking": "nie udało się potwierdzić numeru przesyłki",
    "proof_rejected": "dowód wysyłki nie został przyjęty",
    "buyer_request": "na prośbę kupującego",
    # how a dispute ended
    "resolved_buyer_favour": "na korzyść kupującego",
    "resolved_seller_favour": "na korzyść sprzedawcy",
    "resolved_with_payout": "kupujący otrzyma część pieniędzy z powrotem",
    "settled": "sprzedawca i kupujący zawarli ugodę",
    "withdrawn": "kupujący się wycofał",
    "settled_by_cancellation": "zamówienie zostało anulowane",
    # what kind of proof
    "photo": "zdjęcie",
    "postal_receipt": "skan potwierdzenia nadania",
}

_LOOKS_LIKE = r"It looks like a number of this carrier: (.+)\. "

REASONS = {
    r"No carrier that we know has numbers of this form\.": "Żaden znany nam przewoźnik nie ma "
    "numerów tej postaci.",
    _LOOKS_LIKE + r"But its check digit is wrong: .+": r"Wygląda na numer tego przewoźnika: \1. "
    r"Nie zgadza się jednak cyfra kontrolna: być może jest w nim literówka.",
    _LOOKS_LIKE + r"But it has a code in it that they do not use: .+": r"Wygląda na numer tego "
    r"przewoźnika: \1. Zawiera jednak kod, którego ten przewoźnik nie używa: być może jest w nim "
    r"literówka.",
    r"The carrier does not know this number\.": "Przewoźnik nie zna tego numeru.",
    r"Another order has used this number already\.": "Tego numeru użyto już w innym zamówieniu.",
}
